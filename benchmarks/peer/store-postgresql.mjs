// The same adapter over PostgreSQL: a pool of ten connections, prepared statements, the columns of store-sqlite.mjs.
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.PEER_DATABASE, max: 10 });
await pool.query(`CREATE TABLE IF NOT EXISTS model (
  kind TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, grant_id TEXT, user_code TEXT, uid TEXT,
  expires_at BIGINT, consumed_at BIGINT, PRIMARY KEY (kind, id));
  CREATE INDEX IF NOT EXISTS model_grant ON model (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS model_user_code ON model (user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX IF NOT EXISTS model_uid ON model (uid) WHERE uid IS NOT NULL;`);

const prepared = (name, text) => (...values) => pool.query({ name, text, values });
const upsert = prepared('upsert', `INSERT INTO model (kind, id, payload, grant_id, user_code, uid, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, id) DO UPDATE SET payload = excluded.payload,
  grant_id = excluded.grant_id, user_code = excluded.user_code, uid = excluded.uid, expires_at = excluded.expires_at`);
const byId = prepared('byId', 'SELECT payload, consumed_at, expires_at FROM model WHERE kind = $1 AND id = $2');
const byUserCode = prepared('byUserCode',
  'SELECT payload, consumed_at, expires_at FROM model WHERE user_code = $1 AND kind = $2');
const byUid = prepared('byUid', 'SELECT payload, consumed_at, expires_at FROM model WHERE uid = $1 AND kind = $2');
const consume = prepared('consume', 'UPDATE model SET consumed_at = $1 WHERE kind = $2 AND id = $3');
const destroy = prepared('destroy', 'DELETE FROM model WHERE kind = $1 AND id = $2');
const revoke = prepared('revoke', 'DELETE FROM model WHERE grant_id = $1');

const now = () => Math.floor(Date.now() / 1000);

function found({ rows: [row] }) {
  if (!row || (row.expires_at && Number(row.expires_at) <= now())) return undefined;
  const payload = JSON.parse(row.payload);
  return row.consumed_at ? { ...payload, consumed: Number(row.consumed_at) } : payload;
}

export class Adapter {
  constructor(kind) { this.kind = kind; }

  async upsert(id, payload, expiresIn) {
    await upsert(this.kind, id, JSON.stringify(payload), payload.grantId ?? null, payload.userCode ?? null,
      payload.uid ?? null, expiresIn ? now() + expiresIn : null);
  }

  async find(id) { return found(await byId(this.kind, id)); }

  async findByUserCode(code) { return found(await byUserCode(code, this.kind)); }

  async findByUid(uid) { return found(await byUid(uid, this.kind)); }

  async consume(id) { await consume(now(), this.kind, id); }

  async destroy(id) { await destroy(this.kind, id); }

  async revokeByGrantId(grantId) { await revoke(grantId); }
}
