-- Module cart. Columns are Medusa's (`@medusajs/cart` models) and `expires_at`. Carts are private and never cached: nothing here
-- tells the outbox. Rows of a cart are deleted for good and not softly: nobody asks for a line item that was taken out.

CREATE TABLE cart_address (
    id text PRIMARY KEY,
    customer_id text,
    company text,
    first_name text,
    last_name text,
    address_1 text,
    address_2 text,
    city text,
    country_code text,
    province text,
    postal_code text,
    phone text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE cart (
    id text PRIMARY KEY,
    region_id text,
    customer_id text,
    sales_channel_id text,
    email text,
    currency_code text NOT NULL,
    locale text,
    shipping_address_id text,
    billing_address_id text,
    metadata jsonb,
    completed_at timestamptz(3),
    -- When nobody wants it any more, unless it was completed. Moved by writes, by an hour at least.
    expires_at timestamptz(3) NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX cart_customer ON cart (customer_id) WHERE customer_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX cart_expiry ON cart (expires_at) WHERE completed_at IS NULL;

CREATE TABLE cart_line_item (
    id text PRIMARY KEY,
    cart_id text NOT NULL REFERENCES cart (id) ON DELETE CASCADE,
    title text NOT NULL,
    subtitle text,
    thumbnail text,
    quantity integer NOT NULL CHECK (quantity > 0),
    variant_id text,
    product_id text,
    product_title text,
    product_description text,
    product_subtitle text,
    product_type text,
    product_type_id text,
    product_collection text,
    product_handle text,
    variant_sku text,
    variant_barcode text,
    variant_title text,
    variant_option_values jsonb,
    requires_shipping boolean NOT NULL DEFAULT true,
    is_discountable boolean NOT NULL DEFAULT true,
    is_giftcard boolean NOT NULL DEFAULT false,
    is_tax_inclusive boolean NOT NULL DEFAULT false,
    is_custom_price boolean NOT NULL DEFAULT false,
    compare_at_unit_price numeric,
    unit_price numeric NOT NULL,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX cart_line_item_cart ON cart_line_item (cart_id, id);

CREATE TABLE cart_shipping_method (
    id text PRIMARY KEY,
    cart_id text NOT NULL REFERENCES cart (id) ON DELETE CASCADE,
    name text NOT NULL,
    description jsonb,
    amount numeric NOT NULL,
    is_tax_inclusive boolean NOT NULL DEFAULT false,
    shipping_option_id text,
    data jsonb,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX cart_shipping_method_cart ON cart_shipping_method (cart_id, id);
