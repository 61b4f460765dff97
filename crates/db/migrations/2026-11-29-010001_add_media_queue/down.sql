DELETE FROM platform.jobs WHERE queue = 'media';
DELETE FROM platform.queues WHERE name = 'media';
