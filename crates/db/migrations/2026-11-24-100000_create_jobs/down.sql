DROP FUNCTION platform.claim_jobs;
DROP TABLE platform.jobs;
DROP TABLE platform.queues;
