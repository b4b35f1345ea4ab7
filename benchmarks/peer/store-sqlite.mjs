// An adapter of oidc-provider over SQLite: WAL, synchronous=NORMAL, prepared statements.
import { DatabaseSync } from 'node:sqlite';

const path = process.env.PEER_DATABASE ?? 'peer.db';
const db = new DatabaseSync(path);
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;');
db.exec(`CREATE TABLE IF NOT EXISTS model (
  kind TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, grant_id TEXT, user_code TEXT, uid TEXT,
  expires_at INTEGER, consumed_at INTEGER, PRIMARY KEY (kind, id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS model_grant ON model (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS model_user_code ON model (user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX IF NOT EXISTS model_uid ON model (uid) WHERE uid IS NOT NULL;`);

const upsert = db.prepare(`INSERT INTO model (kind, id, payload, grant_id, user_code, uid, expires_at)
  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET payload = excluded.payload,
  grant_id = excluded.grant_id, user_code = excluded.user_code, uid = excluded.uid, expires_at = excluded.expires_at`);
const byId = db.prepare('SELECT payload, consumed_at, expires_at FROM model WHERE kind = ? AND id = ?');
const byUserCode = db.prepare('SELECT payload, consumed_at, expires_at FROM model WHERE user_code = ? AND kind = ?');
const byUid = db.prepare('SELECT payload, consumed_at, expires_at FROM model WHERE uid = ? AND kind = ?');
const consume = db.prepare('UPDATE model SET consumed_at = ? WHERE kind = ? AND id = ?');
const destroy = db.prepare('DELETE FROM model WHERE kind = ? AND id = ?');
const revoke = db.prepare('DELETE FROM model WHERE grant_id = ?');

const now = () => Math.floor(Date.now() / 1000);

function found(row) {
  if (!row || (row.expires_at && row.expires_at <= now())) return undefined;
  const payload = JSON.parse(row.payload);
  return row.consumed_at ? { ...payload, consumed: row.consumed_at } : payload;
}

export class Adapter {
  constructor(kind) { this.kind = kind; }

  async upsert(id, payload, expiresIn) {
    upsert.run(this.kind, id, JSON.stringify(payload), payload.grantId ?? null, payload.userCode ?? null,
      payload.uid ?? null, expiresIn ? now() + expiresIn : null);
  }

  async find(id) { return found(byId.get(this.kind, id)); }

  async findByUserCode(code) { return found(byUserCode.get(code, this.kind)); }

  async findByUid(uid) { return found(byUid.get(uid, this.kind)); }

  async consume(id) { consume.run(now(), this.kind, id); }

  async destroy(id) { destroy.run(this.kind, id); }

  async revokeByGrantId(grantId) { revoke.run(grantId); }
}
