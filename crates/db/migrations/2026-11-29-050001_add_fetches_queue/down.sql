DELETE FROM platform.jobs WHERE queue = 'fetches';
DELETE FROM platform.queues WHERE name = 'fetches';
