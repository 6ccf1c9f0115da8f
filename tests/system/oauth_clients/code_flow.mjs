// oauth4webapi as a public client: print an authorization request, read the redirect URI, and print the result.
import { createInterface } from "node:readline/promises";
import * as oauth from "oauth4webapi";

const [issuer, client_id, redirect_uri] = process.argv.slice(2);
const insecure = { [oauth.allowInsecureRequests]: true }; // loopback
const client = { client_id };
const none = oauth.None();

const found = await oauth.discoveryRequest(new URL(issuer), insecure);
const server = await oauth.processDiscoveryResponse(new URL(issuer), found);

const verifier = oauth.generateRandomCodeVerifier();
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
const request = new URL(server.authorization_endpoint);
request.search = new URLSearchParams({
  client_id,
  redirect_uri,
  response_type: "code",
  scope: "openid profile email offline_access customers:read",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
});
console.log(request.href);

const [back] = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next().then((line) => [line.value]);
const answer = oauth.validateAuthResponse(server, client, new URL(back), state);
const exchanged = await oauth.authorizationCodeGrantRequest(server, client, none, answer, redirect_uri, verifier, insecure);
const tokens = await oauth.processAuthorizationCodeResponse(server, client, exchanged, { expectedNonce: nonce, requireIdToken: true });
await oauth.validateApplicationLevelSignature(server, exchanged, insecure);
const { sub } = oauth.getValidatedIdTokenClaims(tokens);

const asked = await oauth.userInfoRequest(server, client, tokens.access_token, insecure);
const user = await oauth.processUserInfoResponse(server, client, sub, asked);
const refreshed = await oauth.refreshTokenGrantRequest(server, client, none, tokens.refresh_token, insecure);
const newer = await oauth.processRefreshTokenResponse(server, client, refreshed);
const revoked = await oauth.revocationRequest(server, client, none, newer.refresh_token, insecure);
await oauth.processRevocationResponse(revoked);
const late = await oauth.refreshTokenGrantRequest(server, client, none, newer.refresh_token, insecure);
const refusal = await oauth.processRefreshTokenResponse(server, client, late).catch((error) => error.error);
console.log(JSON.stringify({ email: user.email, rotated: newer.refresh_token !== tokens.refresh_token, refusal }));
