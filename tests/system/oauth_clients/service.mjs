// oauth4webapi as a service: print the scopes of its tokens and the status of a request with each token.
import * as oauth from "oauth4webapi";

const [issuer, client_id, secret, resource] = process.argv.slice(2);
const insecure = { [oauth.allowInsecureRequests]: true }; // loopback
const client = { client_id };

const found = await oauth.discoveryRequest(new URL(issuer), insecure);
const server = await oauth.processDiscoveryResponse(new URL(issuer), found);

const scopes = [];
for (const authenticate of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
  const asked = await oauth.clientCredentialsGrantRequest(server, client, authenticate, {}, insecure);
  const token = await oauth.processClientCredentialsResponse(server, client, asked);
  const list = await oauth.protectedResourceRequest(token.access_token, "GET", new URL(resource), undefined, undefined, insecure);
  scopes.push([token.scope, list.status]);
}
console.log(JSON.stringify(scopes));
