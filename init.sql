-- The history of the queue: what PostgreSQL keeps of every event, order and fill.
-- May be run any number of times. All moments carry a time zone.
--
-- Redis holds the truth of the queue; these tables are filled by the relay alone, from the outbox stream, and are keyed
-- by the outbox's gapless counter, so that storing a record twice changes nothing.

-- One row per event: its present state, or the one in which it ended.
-- Half of each page is left free, so that a row's next version finds its place beside it; and what changes in a row is in
-- no index but a summary of pages (BRIN). So from PostgreSQL 16 on no index has to be told of a change (HOT).
CREATE TABLE IF NOT EXISTS rebalance_events (
    event_id          UUID PRIMARY KEY,
    account_id        VARCHAR(50) NOT NULL,
    exec_command      VARCHAR(50) NOT NULL,
    source            VARCHAR(20) NOT NULL,
    status            VARCHAR(20) NOT NULL CHECK (
        status IN ('pending', 'processing', 'completed', 'failed', 'delayed', 'skipped', 'deleted')
    ),
    times_queued      INTEGER NOT NULL DEFAULT 1,
    retry_count       INTEGER NOT NULL DEFAULT 0,
    payload           JSONB NOT NULL,
    result            JSONB,
    error_message     TEXT,
    received_at       TIMESTAMPTZ NOT NULL DEFAULT now(),
    started_at        TIMESTAMPTZ,           -- start of the latest attempt
    completed_at      TIMESTAMPTZ,           -- end, however it ended
    next_attempt_at   TIMESTAMPTZ,           -- end of the present pause
    first_failed_date DATE,                  -- in UTC
    created_at        TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_counter      BIGINT NOT NULL        -- the outbox record that the row's state comes from
) WITH (fillfactor = 50);

CREATE INDEX IF NOT EXISTS idx_events_account_id ON rebalance_events (account_id, created_at DESC, event_id DESC);
-- Nearly all events are completed, and found by their time; this tells the pages that may hold others.
CREATE INDEX IF NOT EXISTS idx_events_rare_status ON rebalance_events USING brin (status text_bloom_ops)
    WITH (pages_per_range = 32, autosummarize = on);
-- Rows come in the order of this moment, so a range of pages tells where to look, at almost no cost to a write.
CREATE INDEX IF NOT EXISTS idx_events_received_at ON rebalance_events USING brin (received_at);
CREATE INDEX IF NOT EXISTS idx_events_created_at ON rebalance_events (created_at DESC, event_id DESC);

-- Databases of before changes of a row left the indexes alone.
ALTER TABLE rebalance_events SET (fillfactor = 50);
DROP INDEX IF EXISTS idx_events_status;
DROP INDEX IF EXISTS idx_events_unfinished;

-- One row per outbox record, append-only: every transition, every signal refused or remembered at intake, every order.
-- No foreign key: refused and remembered signals have history but are not events.
CREATE TABLE IF NOT EXISTS event_history (
    counter     BIGINT PRIMARY KEY,
    stream_id   TEXT NOT NULL,
    kind        VARCHAR(20) NOT NULL,
    event_id    UUID NOT NULL,
    account_id  VARCHAR(50) NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    event       JSONB NOT NULL,
    details     JSONB NOT NULL DEFAULT '{}'
);

CREATE INDEX IF NOT EXISTS idx_history_event_id ON event_history (event_id, counter);
CREATE INDEX IF NOT EXISTS idx_history_recorded_at ON event_history USING brin (recorded_at);
-- The last message of each channel, for a Redis that has lost it.
CREATE INDEX IF NOT EXISTS idx_history_channel ON event_history ((details ->> 'channel'), counter DESC)
    WHERE details ? 'sent_at';

-- One row per order: written before it is sent (intended), completed by what the brokerage said of it.
CREATE TABLE IF NOT EXISTS rebalance_orders (
    order_ref       TEXT PRIMARY KEY,        -- event id : attempt : leg
    event_id        UUID NOT NULL,
    account_id      VARCHAR(50) NOT NULL,
    symbol          TEXT NOT NULL,
    side            VARCHAR(4) NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity        NUMERIC NOT NULL,
    order_type      TEXT NOT NULL,
    limit_price     NUMERIC,
    time_in_force   TEXT NOT NULL,
    reason          TEXT,
    intended_at     TIMESTAMPTZ,
    status          TEXT NOT NULL DEFAULT 'intended',
    filled_quantity NUMERIC,
    average_price   NUMERIC,
    commission      NUMERIC,
    message         TEXT,
    finished_at     TIMESTAMPTZ,
    last_counter    BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS idx_orders_event_id ON rebalance_orders (event_id);
CREATE INDEX IF NOT EXISTS idx_orders_account_id ON rebalance_orders (account_id, intended_at);
CREATE INDEX IF NOT EXISTS idx_orders_without_end ON rebalance_orders (account_id)
    WHERE status IN ('intended', 'PENDING', 'WORKING', 'UNCONFIRMED');

-- One row per execution that stands: neither corrected since nor busted.
-- No foreign key: a fill is kept even when its order's record is not.
CREATE TABLE IF NOT EXISTS rebalance_fills (
    exec_id     TEXT PRIMARY KEY,            -- the brokerage's own id of the execution
    order_ref   TEXT NOT NULL,
    event_id    UUID NOT NULL,
    account_id  VARCHAR(50) NOT NULL,
    symbol      TEXT NOT NULL,
    side        VARCHAR(4) NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity    NUMERIC NOT NULL,
    price       NUMERIC NOT NULL,
    commission  NUMERIC,                     -- absent until the brokerage reports it
    commission_currency TEXT NOT NULL DEFAULT 'USD',
    executed_at TIMESTAMPTZ NOT NULL,
    last_counter BIGINT NOT NULL
);

-- Databases of before a commission told its currency.
ALTER TABLE rebalance_fills ADD COLUMN IF NOT EXISTS commission_currency TEXT NOT NULL DEFAULT 'USD';

CREATE INDEX IF NOT EXISTS idx_fills_order_ref ON rebalance_fills (order_ref);
CREATE INDEX IF NOT EXISTS idx_fills_event_id ON rebalance_fills (event_id);

-- One row per pause and resumption of trading, append-only: who switched what, and why.
CREATE TABLE IF NOT EXISTS trading_pauses (
    counter     BIGINT PRIMARY KEY,
    stream_id   TEXT NOT NULL,
    kind        VARCHAR(20) NOT NULL CHECK (kind IN ('paused', 'resumed')),
    scope       VARCHAR(50) NOT NULL,        -- an account, or * for all
    actor       TEXT NOT NULL,
    reason      TEXT,
    recorded_at TIMESTAMPTZ NOT NULL
);

-- How far the outbox has been stored; its single row moves in the same transaction as the rows above.
CREATE TABLE IF NOT EXISTS audit_cursor (
    only_row  BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    counter   BIGINT NOT NULL DEFAULT 0,
    stream_id TEXT NOT NULL DEFAULT '0-0'
);

-- Grows whenever Redis may be another one: a relay stores nothing that it read in an epoch before.
ALTER TABLE audit_cursor ADD COLUMN IF NOT EXISTS epoch BIGINT NOT NULL DEFAULT 0;

-- The run of Redis that was met before all others: in any later one somebody may have worked before it was lost.
ALTER TABLE audit_cursor ADD COLUMN IF NOT EXISTS first_run TEXT;

INSERT INTO audit_cursor DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Records that PostgreSQL refused, kept byte for byte so that one bad record stops no other.
CREATE TABLE IF NOT EXISTS audit_quarantine (
    counter        BIGINT PRIMARY KEY,
    stream_id      TEXT NOT NULL,
    kind           TEXT NOT NULL,
    event_id       UUID,                     -- absent for a pause of trading
    event          BYTEA NOT NULL,
    details        BYTEA NOT NULL,
    reason         TEXT NOT NULL,
    quarantined_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Databases of before trading could be paused.
ALTER TABLE audit_quarantine ALTER COLUMN event_id DROP NOT NULL;
