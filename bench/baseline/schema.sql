-- Rows leave room on their pages for their next versions, which are then found
-- without touching an index.
CREATE TABLE products (
  sku   text PRIMARY KEY,
  price bigint NOT NULL,
  stock bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE players (
  id   text PRIMARY KEY,
  gold bigint NOT NULL CHECK (gold >= 0)
) WITH (fillfactor = 50);

-- An order with code 0 was made; others are refusals, remembered.
CREATE TABLE orders (
  player   text,
  request  bigint,
  code     int NOT NULL,
  sku      text NOT NULL,
  quantity bigint NOT NULL,
  price    bigint NOT NULL,
  balance  bigint NOT NULL,
  PRIMARY KEY (player, request)
);
