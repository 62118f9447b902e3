-- Modules user and auth.

CREATE TABLE "user" (
    id text PRIMARY KEY,
    email text NOT NULL,
    first_name text,
    last_name text,
    avatar_url text,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX user_email ON "user" (email) WHERE deleted_at IS NULL;

CREATE TABLE auth_identity (
    id text PRIMARY KEY,
    -- Which actor it signs in, by kind: {"user_id": "user_..."}.
    app_metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE provider_identity (
    id text PRIMARY KEY,
    auth_identity_id text NOT NULL REFERENCES auth_identity (id),
    provider text NOT NULL,
    -- The provider's name of the person; for emailpass the e-mail address.
    entity_id text NOT NULL,
    user_metadata jsonb,
    -- What the provider keeps; for emailpass {"password": an Argon2 hash in PHC form}.
    provider_metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX provider_identity_entity ON provider_identity (provider, entity_id) WHERE deleted_at IS NULL;
