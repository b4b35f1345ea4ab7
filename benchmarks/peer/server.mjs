// The peer: oidc-provider set up to do the same work as Credenza in this benchmark.
import { createServer } from 'node:http';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import Provider, { errors } from 'oidc-provider';

const kind = process.env.PEER_DATABASE.startsWith('postgresql:') ? 'postgresql' : 'sqlite';
const { Adapter } = await import(`./store-${kind}.mjs`);
const port = Number(process.env.PEER_PORT);
const issuer = `http://localhost:${port}`;
const argon = JSON.parse(process.env.PEER_ARGON2); // the same parameters as Credenza's
const account = JSON.parse(process.env.PEER_ACCOUNT);
const clients = JSON.parse(process.env.PEER_CLIENTS);
const passwordHash = await hash(account.password, argon);

const jwk = (type, options, alg) => {
  const { privateKey } = generateKeyPairSync(type, options);
  const key = privateKey.export({ format: 'jwk' });
  return { ...key, alg, use: 'sig', kid: createHash('sha256').update(JSON.stringify(key)).digest('base64url') };
};

const api = (alg) => ({
  audience: undefined, scope: 'read write', accessTokenTTL: 3600, accessTokenFormat: 'jwt',
  jwt: { sign: { alg } },
});

const provider = new Provider(issuer, {
  adapter: Adapter,
  clients,
  jwks: { keys: [jwk('rsa', { modulusLength: 2048 }, 'RS256'), jwk('ec', { namedCurve: 'P-256' }, 'ES256')] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name'] },
  scopes: ['openid', 'offline_access', 'email', 'profile', 'read', 'write'],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (ctx, client, code) => code.scopes.has('offline_access'),
  conformIdTokenClaims: true,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource, client) => {
        if (resource !== 'https://api.example.com') throw new errors.InvalidTarget();
        return api(client.idTokenSignedResponseAlg);
      },
    },
  },
  ttl: {
    AccessToken: 3600, AuthorizationCode: 60, ClientCredentials: 3600, Grant: 1209600, IdToken: 3600, Interaction: 3600,
    RefreshToken: 1209600, Session: 1209600,
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, ...account.claims }) }),
});

const body = async (request) => {
  let text = '';
  for await (const part of request) text += part;
  return new URLSearchParams(text);
};

const page = (response, form) => {
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(`<!doctype html><title>Sign in</title>${form}`);
};

async function interaction(request, response) {
  const { uid, prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    return page(response, prompt.name === 'login'
      ? `<form method="post" action="/interaction/${uid}"><input name="identifier"><input name="password"></form>`
      : `<form method="post" action="/interaction/${uid}"><button name="decision" value="authorize"></form>`);
  }
  const form = await body(request);
  if (prompt.name === 'login') {
    if (!(await verify(passwordHash, form.get('password')))) { response.statusCode = 422; return page(response, ''); }
    return provider.interactionFinished(request, response, { login: { accountId: account.username } });
  }
  const grant = grantId ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
  if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true });
}

const callback = provider.callback();
createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) return callback(request, response);
  return interaction(request, response).catch((error) => { response.statusCode = 500; response.end(String(error)); });
}).listen(port, '127.0.0.1');
