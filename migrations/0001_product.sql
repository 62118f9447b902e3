-- Module product: products, variants, options, images, types, tags, categories, collections.
-- Names are Medusa's. Ids are text with a prefix; deletion is soft (deleted_at), as storefronts expect of Medusa.

CREATE TABLE product_collection (
    id text PRIMARY KEY,
    title text NOT NULL,
    handle text NOT NULL,
    external_id text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX product_collection_handle ON product_collection (handle) WHERE deleted_at IS NULL;

CREATE TABLE product_type (
    id text PRIMARY KEY,
    value text NOT NULL,
    external_id text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX product_type_value ON product_type (value) WHERE deleted_at IS NULL;

CREATE TABLE product_tag (
    id text PRIMARY KEY,
    value text NOT NULL,
    external_id text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX product_tag_value ON product_tag (value) WHERE deleted_at IS NULL;

CREATE TABLE product_category (
    id text PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    handle text NOT NULL,
    -- Ids from the root to this one, joined by dots.
    mpath text NOT NULL,
    is_active boolean NOT NULL DEFAULT false,
    is_internal boolean NOT NULL DEFAULT false,
    rank integer NOT NULL DEFAULT 0,
    parent_category_id text REFERENCES product_category (id),
    external_id text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX product_category_handle ON product_category (handle) WHERE deleted_at IS NULL;
CREATE INDEX product_category_parent ON product_category (parent_category_id, rank) WHERE deleted_at IS NULL;
CREATE INDEX product_category_mpath ON product_category (mpath text_pattern_ops) WHERE deleted_at IS NULL;

CREATE TABLE product (
    id text PRIMARY KEY,
    title text NOT NULL,
    handle text NOT NULL,
    subtitle text,
    description text,
    is_giftcard boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'proposed', 'published', 'rejected')),
    thumbnail text,
    weight numeric,
    length numeric,
    height numeric,
    width numeric,
    origin_country text,
    hs_code text,
    mid_code text,
    material text,
    discountable boolean NOT NULL DEFAULT true,
    external_id text,
    type_id text REFERENCES product_type (id),
    collection_id text REFERENCES product_collection (id),
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX product_handle ON product (handle) WHERE deleted_at IS NULL;
CREATE INDEX product_live ON product (id) WHERE deleted_at IS NULL AND status = 'published';
CREATE INDEX product_created ON product (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX product_collection_id ON product (collection_id, id) WHERE deleted_at IS NULL;
CREATE INDEX product_type_id ON product (type_id, id) WHERE deleted_at IS NULL;

CREATE TABLE product_option (
    id text PRIMARY KEY,
    title text NOT NULL,
    -- Made for one product, and not offered to others.
    is_exclusive boolean NOT NULL DEFAULT true,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE product_option_value (
    id text PRIMARY KEY,
    value text NOT NULL,
    rank integer,
    option_id text NOT NULL REFERENCES product_option (id),
    -- The order in which the values were given: ids made within one millisecond do not keep it.
    position integer NOT NULL DEFAULT 0,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX product_option_value_option ON product_option_value (option_id, position);

CREATE TABLE product_product_option (
    product_id text NOT NULL REFERENCES product (id),
    product_option_id text NOT NULL REFERENCES product_option (id),
    PRIMARY KEY (product_id, product_option_id)
);
CREATE INDEX product_product_option_option ON product_product_option (product_option_id);

CREATE TABLE product_variant (
    id text PRIMARY KEY,
    product_id text NOT NULL REFERENCES product (id),
    title text NOT NULL,
    sku text,
    barcode text,
    ean text,
    upc text,
    allow_backorder boolean NOT NULL DEFAULT false,
    manage_inventory boolean NOT NULL DEFAULT true,
    hs_code text,
    origin_country text,
    mid_code text,
    material text,
    weight numeric,
    length numeric,
    height numeric,
    width numeric,
    variant_rank integer DEFAULT 0,
    thumbnail text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX product_variant_product ON product_variant (product_id, variant_rank, id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX product_variant_sku ON product_variant (sku) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX product_variant_barcode ON product_variant (barcode) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX product_variant_ean ON product_variant (ean) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX product_variant_upc ON product_variant (upc) WHERE deleted_at IS NULL;

CREATE TABLE product_variant_option (
    variant_id text NOT NULL REFERENCES product_variant (id),
    option_value_id text NOT NULL REFERENCES product_option_value (id),
    PRIMARY KEY (variant_id, option_value_id)
);
CREATE INDEX product_variant_option_value ON product_variant_option (option_value_id);

CREATE TABLE product_image (
    id text PRIMARY KEY,
    product_id text NOT NULL REFERENCES product (id),
    url text NOT NULL,
    rank integer NOT NULL DEFAULT 0,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX product_image_product ON product_image (product_id, rank, id) WHERE deleted_at IS NULL;

-- Images of one variant; a variant without any shows those of its product that belong to no variant.
CREATE TABLE product_variant_image (
    variant_id text NOT NULL REFERENCES product_variant (id),
    image_id text NOT NULL REFERENCES product_image (id),
    PRIMARY KEY (variant_id, image_id)
);
CREATE INDEX product_variant_image_image ON product_variant_image (image_id);

CREATE TABLE product_tags (
    product_id text NOT NULL REFERENCES product (id),
    product_tag_id text NOT NULL REFERENCES product_tag (id),
    PRIMARY KEY (product_id, product_tag_id)
);
CREATE INDEX product_tags_tag ON product_tags (product_tag_id, product_id);

CREATE TABLE product_category_product (
    product_id text NOT NULL REFERENCES product (id),
    product_category_id text NOT NULL REFERENCES product_category (id),
    PRIMARY KEY (product_id, product_category_id)
);
CREATE INDEX product_category_product_category ON product_category_product (product_category_id, product_id);
