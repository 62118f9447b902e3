-- Module cart: taxes and discounts of line items and shipping methods, and credit lines.

CREATE TABLE cart_line_item_tax_line (
    id text PRIMARY KEY,
    item_id text NOT NULL REFERENCES cart_line_item (id) ON DELETE CASCADE,
    description text,
    tax_rate_id text,
    code text NOT NULL,
    -- Per cent.
    rate numeric NOT NULL,
    provider_id text,
    metadata jsonb,
    data jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX cart_line_item_tax_line_item ON cart_line_item_tax_line (item_id, id);

CREATE TABLE cart_line_item_adjustment (
    id text PRIMARY KEY,
    item_id text NOT NULL REFERENCES cart_line_item (id) ON DELETE CASCADE,
    description text,
    promotion_id text,
    code text,
    amount numeric NOT NULL CHECK (amount >= 0),
    is_tax_inclusive boolean NOT NULL DEFAULT false,
    provider_id text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX cart_line_item_adjustment_item ON cart_line_item_adjustment (item_id, id);

CREATE TABLE cart_shipping_method_tax_line (
    id text PRIMARY KEY,
    shipping_method_id text NOT NULL REFERENCES cart_shipping_method (id) ON DELETE CASCADE,
    description text,
    tax_rate_id text,
    code text NOT NULL,
    -- Per cent.
    rate numeric NOT NULL,
    provider_id text,
    metadata jsonb,
    data jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX cart_shipping_method_tax_line_method ON cart_shipping_method_tax_line (shipping_method_id, id);

CREATE TABLE cart_shipping_method_adjustment (
    id text PRIMARY KEY,
    shipping_method_id text NOT NULL REFERENCES cart_shipping_method (id) ON DELETE CASCADE,
    description text,
    promotion_id text,
    code text,
    amount numeric NOT NULL CHECK (amount >= 0),
    provider_id text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX cart_shipping_method_adjustment_method ON cart_shipping_method_adjustment (shipping_method_id, id);

CREATE TABLE credit_line (
    id text PRIMARY KEY,
    cart_id text NOT NULL REFERENCES cart (id) ON DELETE CASCADE,
    reference text,
    reference_id text,
    amount numeric NOT NULL,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX credit_line_cart ON credit_line (cart_id, id);

-- Link of the modules cart and promotion.
CREATE TABLE cart_promotion (
    cart_id text NOT NULL REFERENCES cart (id) ON DELETE CASCADE,
    promotion_id text NOT NULL,
    PRIMARY KEY (cart_id, promotion_id)
);
