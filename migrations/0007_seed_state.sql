-- How far the demo shop has been loaded, so that an interrupted load goes on and a finished one is not repeated.

CREATE TABLE seed_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    -- Products 0 to this number less one are in, whole; the rest of the shop is in when there is a row.
    products bigint NOT NULL DEFAULT 0
);
