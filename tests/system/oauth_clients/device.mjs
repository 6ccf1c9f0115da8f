// oauth4webapi as a device: print the verification URL, wait for a line, and print the result.
import { createInterface } from "node:readline/promises";
import * as oauth from "oauth4webapi";

const [issuer, client_id] = process.argv.slice(2);
const insecure = { [oauth.allowInsecureRequests]: true }; // loopback
const client = { client_id };
const none = oauth.None();

const found = await oauth.discoveryRequest(new URL(issuer), insecure);
const server = await oauth.processDiscoveryResponse(new URL(issuer), found);

const scope = "openid email offline_access customers:read";
const started = await oauth.deviceAuthorizationRequest(server, client, none, { scope }, insecure);
const device = await oauth.processDeviceAuthorizationResponse(server, client, started);

console.log(device.verification_uri_complete);
await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next();
const answer = await oauth.deviceCodeGrantRequest(server, client, none, device.device_code, insecure);
const tokens = await oauth.processDeviceCodeResponse(server, client, answer);
await oauth.validateApplicationLevelSignature(server, answer, insecure);
const claims = oauth.getValidatedIdTokenClaims(tokens);
console.log(JSON.stringify({ email: claims.email, refreshes: "refresh_token" in tokens }));
