-- Room in each page for what is written to it later, so that no index has to learn of it: a line is updated once, when it is sent, a parcel
-- when it arrives. Of 1000 lines 85 % stayed in their page before, 99 % with this; of parcels 77 and 88 %.
ALTER TABLE orders.lines SET (fillfactor = 90);
ALTER TABLE orders.fulfillments SET (fillfactor = 90);
-- Every step of an order leaves a dead entry in each index, for its status is in two of them. By default they would be cleared when a fifth of all
-- orders that ever were has changed: the lists of those under way would have to pass over two million of them first, in a shop of ten million.
ALTER TABLE orders.orders SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
