-- Module promotion: rules, whom they bind, and what campaigns may spend. Names as in Medusa.

CREATE TABLE promotion_rule (
    id text PRIMARY KEY,
    description text,
    -- A path into the cart, such as `items.product.id`.
    attribute text NOT NULL,
    operator text NOT NULL CHECK (operator IN ('gte', 'lte', 'gt', 'lt', 'eq', 'ne', 'in')),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);

CREATE TABLE promotion_rule_value (
    id text PRIMARY KEY,
    promotion_rule_id text NOT NULL REFERENCES promotion_rule (id) ON DELETE CASCADE,
    value text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE INDEX promotion_rule_value_rule ON promotion_rule_value (promotion_rule_id) WHERE deleted_at IS NULL;

-- Rules that the cart must pass.
CREATE TABLE promotion_promotion_rule (
    promotion_id text NOT NULL REFERENCES promotion (id) ON DELETE CASCADE,
    promotion_rule_id text NOT NULL REFERENCES promotion_rule (id) ON DELETE CASCADE,
    PRIMARY KEY (promotion_id, promotion_rule_id)
);
CREATE INDEX promotion_promotion_rule_rule ON promotion_promotion_rule (promotion_rule_id);

-- Rules of what is discounted.
CREATE TABLE application_method_target_rules (
    application_method_id text NOT NULL REFERENCES promotion_application_method (id) ON DELETE CASCADE,
    promotion_rule_id text NOT NULL REFERENCES promotion_rule (id) ON DELETE CASCADE,
    PRIMARY KEY (application_method_id, promotion_rule_id)
);
CREATE INDEX application_method_target_rules_rule ON application_method_target_rules (promotion_rule_id);

-- Rules of what must be bought.
CREATE TABLE application_method_buy_rules (
    application_method_id text NOT NULL REFERENCES promotion_application_method (id) ON DELETE CASCADE,
    promotion_rule_id text NOT NULL REFERENCES promotion_rule (id) ON DELETE CASCADE,
    PRIMARY KEY (application_method_id, promotion_rule_id)
);
CREATE INDEX application_method_buy_rules_rule ON application_method_buy_rules (promotion_rule_id);

CREATE TABLE promotion_campaign_budget (
    id text PRIMARY KEY,
    type text NOT NULL CHECK (type IN ('spend', 'usage', 'use_by_attribute', 'spend_by_attribute')),
    campaign_id text NOT NULL REFERENCES promotion_campaign (id) ON DELETE CASCADE,
    currency_code text,
    "limit" numeric,
    used numeric NOT NULL DEFAULT 0,
    -- `customer_id` or `customer_email`, where the limit holds for each.
    attribute text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX promotion_campaign_budget_campaign ON promotion_campaign_budget (campaign_id) WHERE deleted_at IS NULL;

CREATE TABLE promotion_campaign_budget_usage (
    id text PRIMARY KEY,
    attribute_value text NOT NULL,
    used numeric NOT NULL DEFAULT 0,
    budget_id text NOT NULL REFERENCES promotion_campaign_budget (id) ON DELETE CASCADE,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    deleted_at timestamptz(3)
);
CREATE UNIQUE INDEX promotion_campaign_budget_usage_value
    ON promotion_campaign_budget_usage (attribute_value, budget_id) WHERE deleted_at IS NULL;

-- Every cart asks for the promotions that need no code.
CREATE INDEX promotion_automatic ON promotion (id) WHERE is_automatic AND status = 'active' AND deleted_at IS NULL;
CREATE INDEX promotion_of_campaign ON promotion (campaign_id) WHERE campaign_id IS NOT NULL AND deleted_at IS NULL;
