// Refreshes and revokes with openid-client, an OAuth library of other authors, which
// finds the endpoints by itself (RFC 8414).
//
//   node client.mjs refresh    {issuer, authentication, token, scope?, resource?} on stdin
//   node client.mjs revoke     {issuer, authentication, token} on stdin
//
// stdout is one line of JSON: {token, status} with the status of the resource,
// {} when revoked, or {failure} with what the library throws.

import { json, text } from 'node:stream/consumers';

import * as client from 'openid-client';

const CLIENT_ID = 'any client';
const CLIENT_SECRET = 'any: secret+%&';

const AUTHENTICATIONS = {
  none: client.None(),
  basic: client.ClientSecretBasic(CLIENT_SECRET),
  post: client.ClientSecretPost(CLIENT_SECRET),
};

const COMMANDS = { refresh, revoke };

const asked = await json(process.stdin);
let result;
try {
  const server = await client.discovery(
    new URL(asked.issuer),
    CLIENT_ID,
    undefined,
    AUTHENTICATIONS[asked.authentication],
    { algorithm: 'oauth2', execute: [client.allowInsecureRequests] },
  );
  result = await COMMANDS[process.argv[2]](server);
} catch (error) {
  result = { failure: await describe(error) };
}
console.log(JSON.stringify(result));

async function refresh(server) {
  const parameters = asked.scope === undefined ? {} : { scope: asked.scope };
  const token = await client.refreshTokenGrant(server, asked.token.refresh_token, parameters);
  if (!asked.resource) return { token };
  const url = new URL(asked.resource);
  const { status } = await client.fetchProtectedResource(server, token.access_token, url, 'GET');
  return { token, status };
}

async function revoke(server) {
  await client.tokenRevocation(server, asked.token.refresh_token);
  return {};
}

async function describe(error) {
  const kind = error.constructor.name;
  if (error instanceof client.ResponseBodyError) {
    const { error: code, error_description: description, status } = error;
    return { class: kind, error: code, error_description: description, status };
  }
  // Of any other status than 4xx it reads no body, and hands the answer over.
  if (error instanceof client.ClientError && error.cause instanceof Response) {
    const { status, body } = error.cause;
    return { class: kind, ...JSON.parse(await text(body)), status };
  }
  throw error;
}
