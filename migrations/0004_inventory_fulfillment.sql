-- Modules inventory, stock location and fulfillment (shipping).

CREATE TABLE stock_location_address (
    id text PRIMARY KEY,
    address_1 text NOT NULL,
    address_2 text,
    company text,
    city text,
    country_code text NOT NULL,
    phone text,
    province text,
    postal_code text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE stock_location (
    id text PRIMARY KEY,
    name text NOT NULL,
    address_id text REFERENCES stock_location_address (id),
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

-- Link of the modules sales channel and stock location.
CREATE TABLE sales_channel_stock_location (
    sales_channel_id text NOT NULL REFERENCES sales_channel (id),
    stock_location_id text NOT NULL REFERENCES stock_location (id),
    PRIMARY KEY (sales_channel_id, stock_location_id)
);

CREATE TABLE inventory_item (
    id text PRIMARY KEY,
    sku text,
    title text,
    description text,
    thumbnail text,
    origin_country text,
    hs_code text,
    mid_code text,
    material text,
    weight numeric,
    length numeric,
    height numeric,
    width numeric,
    requires_shipping boolean NOT NULL DEFAULT true,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX inventory_item_sku ON inventory_item (sku) WHERE deleted_at IS NULL;

CREATE TABLE inventory_level (
    id text PRIMARY KEY,
    inventory_item_id text NOT NULL REFERENCES inventory_item (id),
    location_id text NOT NULL,
    stocked_quantity numeric NOT NULL DEFAULT 0,
    reserved_quantity numeric NOT NULL DEFAULT 0,
    incoming_quantity numeric NOT NULL DEFAULT 0,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX inventory_level_place ON inventory_level (inventory_item_id, location_id) WHERE deleted_at IS NULL;

-- Link of the modules product and inventory.
CREATE TABLE product_variant_inventory_item (
    variant_id text NOT NULL REFERENCES product_variant (id),
    inventory_item_id text NOT NULL REFERENCES inventory_item (id),
    required_quantity integer NOT NULL DEFAULT 1,
    PRIMARY KEY (variant_id, inventory_item_id)
);
CREATE INDEX product_variant_inventory_item_item ON product_variant_inventory_item (inventory_item_id);

CREATE TABLE fulfillment_provider (
    id text PRIMARY KEY,
    is_enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE shipping_profile (
    id text PRIMARY KEY,
    name text NOT NULL,
    type text NOT NULL,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

-- Link of the modules product and fulfillment.
CREATE TABLE product_shipping_profile (
    product_id text PRIMARY KEY REFERENCES product (id),
    shipping_profile_id text NOT NULL REFERENCES shipping_profile (id)
);

CREATE TABLE fulfillment_set (
    id text PRIMARY KEY,
    name text NOT NULL,
    type text NOT NULL,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

-- Links of the modules stock location and fulfillment.
CREATE TABLE location_fulfillment_set (
    stock_location_id text NOT NULL REFERENCES stock_location (id),
    fulfillment_set_id text NOT NULL REFERENCES fulfillment_set (id),
    PRIMARY KEY (stock_location_id, fulfillment_set_id)
);
CREATE TABLE location_fulfillment_provider (
    stock_location_id text NOT NULL REFERENCES stock_location (id),
    fulfillment_provider_id text NOT NULL REFERENCES fulfillment_provider (id),
    PRIMARY KEY (stock_location_id, fulfillment_provider_id)
);

CREATE TABLE service_zone (
    id text PRIMARY KEY,
    name text NOT NULL,
    fulfillment_set_id text NOT NULL REFERENCES fulfillment_set (id),
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE geo_zone (
    id text PRIMARY KEY,
    type text NOT NULL DEFAULT 'country' CHECK (type IN ('country', 'province', 'city', 'zip')),
    country_code text NOT NULL,
    province_code text,
    city text,
    postal_expression jsonb,
    service_zone_id text NOT NULL REFERENCES service_zone (id),
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX geo_zone_service_zone ON geo_zone (service_zone_id) WHERE deleted_at IS NULL;

CREATE TABLE shipping_option_type (
    id text PRIMARY KEY,
    label text NOT NULL,
    description text,
    code text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE shipping_option (
    id text PRIMARY KEY,
    name text NOT NULL,
    price_type text NOT NULL DEFAULT 'flat' CHECK (price_type IN ('flat', 'calculated')),
    service_zone_id text NOT NULL REFERENCES service_zone (id),
    shipping_profile_id text REFERENCES shipping_profile (id),
    provider_id text REFERENCES fulfillment_provider (id),
    shipping_option_type_id text REFERENCES shipping_option_type (id),
    data jsonb,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX shipping_option_zone ON shipping_option (service_zone_id) WHERE deleted_at IS NULL;

CREATE TABLE shipping_option_rule (
    id text PRIMARY KEY,
    attribute text NOT NULL,
    operator text NOT NULL,
    value jsonb,
    shipping_option_id text NOT NULL REFERENCES shipping_option (id),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX shipping_option_rule_option ON shipping_option_rule (shipping_option_id) WHERE deleted_at IS NULL;

-- Link of the modules fulfillment and pricing.
CREATE TABLE shipping_option_price_set (
    shipping_option_id text PRIMARY KEY REFERENCES shipping_option (id),
    price_set_id text NOT NULL UNIQUE REFERENCES price_set (id)
);
