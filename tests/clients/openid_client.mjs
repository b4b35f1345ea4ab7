// npm's openid-client, as its documentation uses it. The test plays the user: it reads an address from our standard
// output and writes the address at which the user came back to our standard input.

import { createInterface } from 'node:readline/promises'
import * as client from 'openid-client'

const { issuer, client_id, client_secret, redirect_uri, post_logout_redirect_uri } = JSON.parse(process.argv[2])
const user = createInterface({ input: process.stdin })

const options = { execute: [client.allowInsecureRequests] } // http, for localhost
const config = await client.discovery(
  new URL(issuer),
  client_id,
  client_secret,
  client.ClientSecretBasic(client_secret),
  options,
)

const code_verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()
const address = client.buildAuthorizationUrl(config, {
  redirect_uri,
  scope: 'openid profile email offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
})
console.log(address.href)
const { value: callback } = await user[Symbol.asyncIterator]().next()

const tokens = await client.authorizationCodeGrant(config, new URL(callback), {
  pkceCodeVerifier: code_verifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
})
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
const active = await client.tokenIntrospection(config, refreshed.access_token)
await client.tokenRevocation(config, refreshed.refresh_token)
const revoked = await client.tokenIntrospection(config, refreshed.access_token)
const logout = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri, state })

console.log(JSON.stringify({ claims, userinfo, refreshed, active, revoked, logout: logout.href, state }))
user.close()
