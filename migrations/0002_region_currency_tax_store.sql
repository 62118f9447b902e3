-- Modules currency, region, tax, sales channel, api key, store.

CREATE TABLE currency (
    code text PRIMARY KEY,
    symbol text NOT NULL,
    symbol_native text NOT NULL,
    name text NOT NULL,
    decimal_digits integer NOT NULL DEFAULT 0,
    rounding numeric NOT NULL DEFAULT 0,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE region (
    id text PRIMARY KEY,
    name text NOT NULL,
    currency_code text NOT NULL REFERENCES currency (code),
    automatic_taxes boolean NOT NULL DEFAULT true,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE region_country (
    iso_2 text PRIMARY KEY,
    iso_3 text NOT NULL,
    num_code text NOT NULL,
    name text NOT NULL,
    display_name text NOT NULL,
    region_id text REFERENCES region (id),
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX region_country_region ON region_country (region_id);

CREATE TABLE region_payment_provider (
    region_id text NOT NULL REFERENCES region (id),
    payment_provider_id text NOT NULL,
    PRIMARY KEY (region_id, payment_provider_id)
);

CREATE TABLE tax_region (
    id text PRIMARY KEY,
    provider_id text,
    country_code text NOT NULL,
    province_code text,
    parent_id text REFERENCES tax_region (id),
    created_by text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX tax_region_place ON tax_region (country_code, coalesce(province_code, '')) WHERE deleted_at IS NULL;

CREATE TABLE tax_rate (
    id text PRIMARY KEY,
    rate numeric,
    code text NOT NULL,
    name text NOT NULL,
    is_default boolean NOT NULL DEFAULT false,
    is_combinable boolean NOT NULL DEFAULT false,
    tax_region_id text NOT NULL REFERENCES tax_region (id),
    created_by text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX tax_rate_default ON tax_rate (tax_region_id) WHERE is_default AND deleted_at IS NULL;
CREATE INDEX tax_rate_region ON tax_rate (tax_region_id) WHERE deleted_at IS NULL;

CREATE TABLE tax_rate_rule (
    id text PRIMARY KEY,
    tax_rate_id text NOT NULL REFERENCES tax_rate (id),
    -- product, product_type or shipping_option
    reference text NOT NULL,
    reference_id text NOT NULL,
    metadata jsonb,
    created_by text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX tax_rate_rule_reference ON tax_rate_rule (tax_rate_id, reference_id) WHERE deleted_at IS NULL;

CREATE TABLE sales_channel (
    id text PRIMARY KEY,
    name text NOT NULL,
    description text,
    is_disabled boolean NOT NULL DEFAULT false,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

-- Link of the modules product and sales channel.
CREATE TABLE product_sales_channel (
    product_id text NOT NULL REFERENCES product (id),
    sales_channel_id text NOT NULL REFERENCES sales_channel (id),
    PRIMARY KEY (product_id, sales_channel_id)
);
CREATE INDEX product_sales_channel_channel ON product_sales_channel (sales_channel_id, product_id);

CREATE TABLE api_key (
    id text PRIMARY KEY,
    -- A publishable key in the clear (it is public); of a secret key only its hash.
    token text NOT NULL,
    redacted text NOT NULL,
    title text NOT NULL,
    type text NOT NULL CHECK (type IN ('publishable', 'secret')),
    created_by text NOT NULL DEFAULT '',
    revoked_by text,
    revoked_at timestamptz(3),
    last_used_at timestamptz(3),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX api_key_token ON api_key (token);

CREATE TABLE publishable_api_key_sales_channel (
    publishable_key_id text NOT NULL REFERENCES api_key (id),
    sales_channel_id text NOT NULL REFERENCES sales_channel (id),
    PRIMARY KEY (publishable_key_id, sales_channel_id)
);

CREATE TABLE store (
    id text PRIMARY KEY,
    name text NOT NULL,
    default_sales_channel_id text REFERENCES sales_channel (id),
    default_region_id text REFERENCES region (id),
    default_location_id text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE store_currency (
    id text PRIMARY KEY,
    store_id text NOT NULL REFERENCES store (id),
    currency_code text NOT NULL REFERENCES currency (code),
    is_default boolean NOT NULL DEFAULT false,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX store_currency_store ON store_currency (store_id);

CREATE TABLE return_reason (
    id text PRIMARY KEY,
    value text NOT NULL,
    label text NOT NULL,
    description text,
    parent_return_reason_id text REFERENCES return_reason (id),
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
