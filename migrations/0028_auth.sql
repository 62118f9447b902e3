-- Module auth: password resets and verifications (`@medusajs/auth` dist/models). Of tokens only hashes are kept.

CREATE TABLE auth_password_reset_token (
    id text PRIMARY KEY,
    auth_identity_id text NOT NULL REFERENCES auth_identity (id) ON DELETE CASCADE,
    provider_identity_id text NOT NULL REFERENCES provider_identity (id) ON DELETE CASCADE,
    entity_id text NOT NULL,
    -- SHA-256 of the token's `jti`, in hexadecimal.
    token_hash text NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX auth_password_reset_token_hash ON auth_password_reset_token (token_hash);
-- Each request for a reset replaces the one before it.
CREATE UNIQUE INDEX auth_password_reset_token_provider ON auth_password_reset_token (provider_identity_id);

CREATE TABLE auth_verification (
    id text PRIMARY KEY,
    auth_identity_id text NOT NULL REFERENCES auth_identity (id) ON DELETE CASCADE,
    entity_id text NOT NULL,
    entity_type text NOT NULL,
    code_provider text NOT NULL,
    verified_at timestamptz(3),
    requested_at timestamptz(3) NOT NULL,
    -- {"token_hash": SHA-256 of the code, in hexadecimal}.
    provider_metadata jsonb,
    metadata jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX auth_verification_entity ON auth_verification (auth_identity_id, entity_id, entity_type)
    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX auth_verification_code ON auth_verification ((provider_metadata ->> 'token_hash'))
    WHERE deleted_at IS NULL;

-- Whose identity it is: asked when an account is removed.
CREATE INDEX provider_identity_identity ON provider_identity (auth_identity_id) WHERE deleted_at IS NULL;
CREATE INDEX auth_identity_customer ON auth_identity ((app_metadata ->> 'customer_id')) WHERE deleted_at IS NULL;
CREATE INDEX auth_identity_user ON auth_identity ((app_metadata ->> 'user_id')) WHERE deleted_at IS NULL;
