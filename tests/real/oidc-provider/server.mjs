// A certified OpenID provider (npm oidc-provider) for authseal to log in at and
// refresh with. It knows one confidential client, holds everything in memory,
// and lives no longer than whoever holds the other end of its stdin.
//
//   node server.mjs --client-id ID --client-secret SECRET --redirect-uri URI
//                   [--rotate] [--access-token-ttl SECONDS]
//
// stdout is one JSON object a line: first {"issuer": ...} when it listens, then
// an event for each call of the endpoints in OBSERVED. Chatter goes to stderr.

import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

import { Provider } from 'oidc-provider';

import { consentPage, errorPage, loginPage } from './pages.mjs';

/** Routes, by oidc-provider's names, of which each call is told on stdout. */
const OBSERVED = new Set(['token', 'revocation', 'userinfo']);

// oidc-provider prints its notices with console.info, which would go to stdout.
console.info = console.error;

// Whoever started this process holds its stdin, and is gone when it closes,
// however it ended.
process.stdin.on('close', () => process.exit()).resume();
process.stdout.on('error', () => process.exit());

const settings = readSettings();
const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');

// The issuer is part of the configuration, so the port comes first.
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, configuration(settings));
provider.on('server_error', (_ctx, error) => console.error(error));
provider.use(tellEvents);
provider.use(interactions);
server.on('request', provider.callback());
tell({ issuer });

function readSettings() {
  const { values } = parseArgs({
    options: {
      'client-id': { type: 'string' },
      'client-secret': { type: 'string' },
      'redirect-uri': { type: 'string' },
      rotate: { type: 'boolean', default: false },
      'access-token-ttl': { type: 'string', default: '3600' },
    },
  });
  const missing = ['client-id', 'client-secret', 'redirect-uri'].filter((name) => !values[name]);
  if (missing.length > 0) refuse(`missing: ${missing.map((name) => `--${name}`).join(', ')}`);

  const accessTokenTtl = Number(values['access-token-ttl']);
  if (!Number.isInteger(accessTokenTtl) || accessTokenTtl < 1) {
    refuse('--access-token-ttl takes a whole number of seconds, at least 1');
  }
  return {
    clientId: values['client-id'],
    clientSecret: values['client-secret'],
    redirectUri: values['redirect-uri'],
    rotate: values.rotate,
    accessTokenTtl,
  };
}

function refuse(complaint) {
  console.error(`server.mjs: ${complaint}`);
  process.exit(2);
}

function configuration({ clientId, clientSecret, redirectUri, rotate, accessTokenTtl }) {
  const hours = 60 * 60;
  return {
    clients: [{
      client_id: clientId,
      client_secret: clientSecret,
      // oidc-provider takes the secret in the body and as Basic from either kind.
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
    }],
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    scopes: ['openid', 'offline_access'],
    pkce: { required: () => true },
    rotateRefreshToken: rotate,
    allowOmittingSingleRegisteredRedirectUri: false,
    clockTolerance: 0,
    ttl: {
      AccessToken: accessTokenTtl,
      AuthorizationCode: 60,
      Grant: 24 * hours,
      IdToken: hours,
      Interaction: hours,
      RefreshToken: 24 * hours,
      Session: 24 * hours,
    },
    features: {
      devInteractions: { enabled: false }, // they load a font from elsewhere
      revocation: { enabled: true },
      userinfo: { enabled: true },
    },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = errorPage(out);
    },
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
  };
}

// The key goes through PEM. Node 20 hangs now and then if a generated key itself is exported
// as a JWK: the export holds the key's mutex, and if its strings start the garbage collector,
// that destroys the finished generation, which waits for the same mutex.
function signingKey() {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return createPrivateKey(privateKey).export({ format: 'jwk' });
}

// Koa writes the response after this returns, so a test that has its answer
// finds the line on stdout.
async function tellEvents(ctx, next) {
  await next();
  if (!OBSERVED.has(ctx.oidc?.route)) return;
  const event = { event: ctx.oidc.route };
  if (event.event === 'token') event.grant_type = ctx.oidc.body?.grant_type ?? null;
  event.ok = ctx.status < 400;
  if (!event.ok) event.error = ctx.body?.error ?? null;
  tell(event);
}

// The login and consent pages, which oidc-provider leaves to its user.
async function interactions(ctx, next) {
  const [, uid, cancelled] = /^\/interaction\/([\w-]+)(\/cancel)?$/.exec(ctx.path) ?? [];
  if (!uid) return next();

  const interaction = await provider.interactionDetails(ctx.req, ctx.res);
  if (interaction.uid !== uid) ctx.throw(400, 'this form belongs to another login');
  const { prompt } = interaction;

  ctx.set('Cache-Control', 'no-store');
  ctx.set('Content-Security-Policy', "default-src 'none'; img-src data:; style-src 'unsafe-inline'");
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = prompt.name === 'login' ? loginPage(interaction) : consentPage(interaction);
    return;
  }
  if (ctx.method !== 'POST') ctx.throw(405);

  let result;
  if (cancelled) {
    result = { error: 'access_denied', error_description: 'the person said no' };
  } else if (prompt.name === 'login') {
    const form = new URLSearchParams(await text(ctx.req));
    // Passwords are not what is tested here: any will do, but not none.
    if (!form.get('username') || !form.get('password')) ctx.throw(400, 'name and password, please');
    result = { login: { accountId: form.get('username') } };
  } else {
    result = { consent: { grantId: await grant(interaction) } };
  }
  ctx.status = 303;
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
}

/** Grants what the consent page asked for. */
async function grant({ grantId, session, params, prompt: { details } }) {
  const granted = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (details.missingOIDCScope) granted.addOIDCScope(details.missingOIDCScope.join(' '));
  if (details.missingOIDCClaims) granted.addOIDCClaims(details.missingOIDCClaims);
  return granted.save();
}

function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
