-- Modules pricing and promotion. Amounts are in major units, of any precision, as Medusa keeps them.

CREATE TABLE price_set (
    id text PRIMARY KEY,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE price_list (
    id text PRIMARY KEY,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    type text NOT NULL DEFAULT 'sale' CHECK (type IN ('sale', 'override')),
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('active', 'draft')),
    starts_at timestamptz(3),
    ends_at timestamptz(3),
    rules_count integer NOT NULL DEFAULT 0,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE price_list_rule (
    id text PRIMARY KEY,
    price_list_id text NOT NULL REFERENCES price_list (id),
    attribute text NOT NULL,
    -- A JSON array of accepted values.
    value jsonb NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX price_list_rule_list ON price_list_rule (price_list_id) WHERE deleted_at IS NULL;

CREATE TABLE price (
    id text PRIMARY KEY,
    title text,
    price_set_id text NOT NULL REFERENCES price_set (id),
    currency_code text NOT NULL,
    amount numeric NOT NULL,
    min_quantity numeric,
    max_quantity numeric,
    rules_count integer NOT NULL DEFAULT 0,
    price_list_id text REFERENCES price_list (id),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX price_set_currency ON price (price_set_id, currency_code) WHERE deleted_at IS NULL;
CREATE INDEX price_list_id ON price (price_list_id) WHERE price_list_id IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE price_rule (
    id text PRIMARY KEY,
    price_id text NOT NULL REFERENCES price (id),
    attribute text NOT NULL,
    operator text NOT NULL DEFAULT 'eq' CHECK (operator IN ('eq', 'gt', 'gte', 'lt', 'lte')),
    value text NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX price_rule_price ON price_rule (price_id) WHERE deleted_at IS NULL;

CREATE TABLE price_preference (
    id text PRIMARY KEY,
    -- region_id or currency_code
    attribute text NOT NULL,
    value text NOT NULL,
    is_tax_inclusive boolean NOT NULL DEFAULT false,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX price_preference_of ON price_preference (attribute, value) WHERE deleted_at IS NULL;

-- Link of the modules product and pricing.
CREATE TABLE product_variant_price_set (
    variant_id text PRIMARY KEY REFERENCES product_variant (id),
    price_set_id text NOT NULL UNIQUE REFERENCES price_set (id)
);

CREATE TABLE promotion_campaign (
    id text PRIMARY KEY,
    name text NOT NULL,
    description text,
    campaign_identifier text NOT NULL,
    starts_at timestamptz(3),
    ends_at timestamptz(3),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX promotion_campaign_identifier ON promotion_campaign (campaign_identifier) WHERE deleted_at IS NULL;

CREATE TABLE promotion (
    id text PRIMARY KEY,
    code text NOT NULL,
    is_automatic boolean NOT NULL DEFAULT false,
    is_tax_inclusive boolean NOT NULL DEFAULT false,
    type text NOT NULL CHECK (type IN ('standard', 'buyget')),
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'inactive')),
    "limit" integer,
    used integer NOT NULL DEFAULT 0,
    campaign_id text REFERENCES promotion_campaign (id),
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX promotion_code ON promotion (code) WHERE deleted_at IS NULL;

CREATE TABLE promotion_application_method (
    id text PRIMARY KEY,
    promotion_id text NOT NULL REFERENCES promotion (id),
    type text NOT NULL CHECK (type IN ('fixed', 'percentage')),
    target_type text NOT NULL CHECK (target_type IN ('order', 'shipping_methods', 'items')),
    allocation text CHECK (allocation IN ('each', 'across', 'once')),
    value numeric,
    currency_code text,
    max_quantity integer,
    apply_to_quantity integer,
    buy_rules_min_quantity integer,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX promotion_application_method_promotion
    ON promotion_application_method (promotion_id) WHERE deleted_at IS NULL;
