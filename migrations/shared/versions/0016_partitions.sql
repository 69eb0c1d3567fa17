-- Partitions are made one by one, each in a transaction of its own.

DROP FUNCTION IF EXISTS platform.keep_partitions();
