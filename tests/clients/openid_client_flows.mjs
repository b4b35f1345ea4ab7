// npm's openid-client, one flow in each run. The test plays the user: it reads an address from our standard output and
// writes the address at which the user came back to our standard input.

import { createInterface } from 'node:readline/promises'
import * as client from 'openid-client'

const given = JSON.parse(process.argv[2])
const { flow, issuer, client_id, client_secret, private_jwk, redirect_uri, resource } = given
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const bound = ['dpop', 'fapi2'].includes(flow)
const pushed = ['par', 'fapi2'].includes(flow)

async function authentication() {
  if (private_jwk) {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    return client.PrivateKeyJwt(await crypto.subtle.importKey('jwk', private_jwk, algorithm, false, ['sign']))
  }
  if (client_secret) {
    return flow === 'client_secret_post' ? client.ClientSecretPost(client_secret) : client.ClientSecretBasic(client_secret)
  }
  return client.None()
}

const metadata = private_jwk ? { id_token_signed_response_alg: 'ES256' } : undefined
const config = await client.discovery(new URL(issuer), client_id, metadata, await authentication(), {
  execute: [client.allowInsecureRequests], // http, for localhost
})
if (flow === 'jarm') client.useJwtResponseMode(config)
const DPoP = bound ? client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) : undefined

async function signIn() {
  const code_verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const request = {
    redirect_uri,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }
  const address = pushed
    ? await client.buildAuthorizationUrlWithPAR(config, request, { DPoP })
    : client.buildAuthorizationUrl(config, request)
  console.log(address.href)
  const { value: callback } = await lines.next()
  const checks = { pkceCodeVerifier: code_verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return client.authorizationCodeGrant(config, new URL(callback), checks, undefined, { DPoP })
}

async function onADevice() {
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid profile' })
  console.log(device.verification_uri_complete)
  await lines.next()
  return client.pollDeviceAuthorizationGrant(config, device)
}

async function asTheUser(tokens) {
  const claims = tokens.claims()
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP })
  const seen = { token_type: tokens.token_type, claims, userinfo }
  if (tokens.refresh_token) {
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
    seen.refreshed = { token_type: refreshed.token_type, sub: refreshed.claims()?.sub }
    seen.again = (await client.fetchUserInfo(config, refreshed.access_token, claims.sub, { DPoP })).sub
    if (flow !== 'device') seen.active = await client.tokenIntrospection(config, refreshed.access_token)
    await client.tokenRevocation(config, refreshed.refresh_token ?? tokens.refresh_token)
    if (flow !== 'device') seen.revoked = await client.tokenIntrospection(config, refreshed.access_token)
  }
  return seen
}

async function onItsOwn() {
  const tokens = await client.clientCredentialsGrant(config, { resource, scope: 'orders:read' })
  return { token_type: tokens.token_type, scope: tokens.scope }
}

async function exchanged() {
  const tokens = await signIn()
  const answer = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: tokens.access_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    scope: 'email',
  })
  return { token_type: answer.token_type, scope: answer.scope, issued_token_type: answer.issued_token_type }
}

const runs = { client_credentials: onItsOwn, token_exchange: exchanged, device: async () => asTheUser(await onADevice()) }
const run = runs[flow] ?? (async () => asTheUser(await signIn()))
console.log(JSON.stringify(await run()))
process.exit(0)
