DELETE FROM platform.jobs WHERE queue = 'imports';
DELETE FROM platform.queues WHERE name = 'imports';
