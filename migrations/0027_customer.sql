-- Module customer, with Medusa's columns (`@medusajs/customer` dist/models). Nothing of it is shown to anybody but its owner and
-- the merchant, and no edge keeps it: changes by hand have nothing to tell.

CREATE TABLE customer (
    id text PRIMARY KEY,
    company_name text,
    first_name text,
    last_name text,
    email text,
    phone text,
    -- Whether somebody signs in as this customer; else a guest, who has bought under this address.
    has_account boolean NOT NULL DEFAULT false,
    metadata jsonb,
    created_by text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
-- A guest and an account may share an address, and that is all. By e-mail alone it is found by this index too.
CREATE UNIQUE INDEX customer_email ON customer (email, has_account) WHERE deleted_at IS NULL;

CREATE TABLE customer_address (
    id text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer (id),
    address_name text,
    is_default_shipping boolean NOT NULL DEFAULT false,
    is_default_billing boolean NOT NULL DEFAULT false,
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
CREATE INDEX customer_address_customer ON customer_address (customer_id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX customer_address_billing ON customer_address (customer_id)
    WHERE is_default_billing AND deleted_at IS NULL;
CREATE UNIQUE INDEX customer_address_shipping ON customer_address (customer_id)
    WHERE is_default_shipping AND deleted_at IS NULL;

CREATE TABLE customer_group (
    id text PRIMARY KEY,
    name text NOT NULL,
    metadata jsonb,
    created_by text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX customer_group_name ON customer_group (name) WHERE deleted_at IS NULL;

CREATE TABLE customer_group_customer (
    id text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer (id),
    customer_group_id text NOT NULL REFERENCES customer_group (id),
    metadata jsonb,
    created_by text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
-- Nobody is in a group twice; and the groups of a customer, which prices depend on, are found by it.
CREATE UNIQUE INDEX customer_group_customer_pair ON customer_group_customer (customer_id, customer_group_id)
    WHERE deleted_at IS NULL;
CREATE INDEX customer_group_customer_group ON customer_group_customer (customer_group_id) WHERE deleted_at IS NULL;
