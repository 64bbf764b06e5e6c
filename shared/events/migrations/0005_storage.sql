-- A delivery leaves two dead entries behind in the index in which each look for due ones begins: after 300,000 a look took 300 pages instead of
-- one. A vacuum costs as much as the table is large, so the bound grows with it, but ten times slower than by default.
ALTER TABLE events.deliveries SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000);
