// A second identity provider: the npm package oidc-provider, certified, with ways to misbehave that a test asks for.
//
// Its listening socket is its standard input; `settings.json` beside it says where it is.

import { readFileSync } from "node:fs";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { SignJWT, calculateJwkThumbprint, decodeJwt, exportJWK, exportSPKI, generateKeyPair } from "jose";

const { url } = JSON.parse(readFileSync(new URL("settings.json", import.meta.url)));
const ELSEWHERE = "https://elsewhere.example";

async function newKey() {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const secret = { ...(await exportJWK(privateKey)), alg: "RS256", use: "sig" };
  const kid = await calculateJwkThumbprint(secret);
  const { kty, n, e } = secret;
  return { kid, privateKey, publicKey, secret: { ...secret, kid }, shown: { kty, n, e, kid, alg: "RS256", use: "sig" } };
}

const first = await newKey();
const stranger = await newKey();
let current = first;
let quirks = new Set();
const requests = [];

const has = (quirk) => quirks.has(quirk);

function verified() {
  if (has("email_verified_text")) return { email_verified: "true" };
  if (has("email_verified_number")) return { email_verified: 1 };
  if (has("email_verified_absent")) return {};
  return { email_verified: !has("email_unverified") };
}

const provider = new Provider(url, {
  jwks: { keys: [first.secret] },
  cookies: { keys: ["only for tests"] },
  scopes: ["openid", "profile", "email", "offline_access"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
  // Providers of companies put the claims into the ID token as well.
  conformIdTokenClaims: false,
  pkce: { required: () => false },
  features: { devInteractions: { enabled: true }, registration: { enabled: true }, revocation: { enabled: true } },
  issueRefreshToken: (_ctx, client) => !has("no_refresh_token") && client.grantTypeAllowed("refresh_token"),
  rotateRefreshToken: true,
  findAccount: (_ctx, subject) => ({
    accountId: subject,
    claims: () => ({
      sub: subject,
      name: `The ${subject}`,
      preferred_username: subject,
      email: `${subject}@example.com`,
      ...verified(),
    }),
  }),
});

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

// The provider's ID token as it is, or changed and signed again.
async function idToken(token) {
  const claims = decodeJwt(token);
  if (has("id_token_issuer")) claims.iss = ELSEWHERE;
  if (has("id_token_expired")) Object.assign(claims, { iat: claims.iat - 7200, exp: claims.iat - 3600 });
  if (has("id_token_nonce")) claims.nonce = "somebody else's";
  if (has("id_token_without_nonce")) delete claims.nonce;
  if (has("id_token_audience")) claims.aud = "another-client";
  if (has("id_token_second_audience")) Object.assign(claims, { aud: [claims.aud, "another-client"], azp: "another-client" });
  if (has("id_token_unsigned")) return `${base64({ alg: "none", typ: "JWT" })}.${base64(claims)}.`;
  if (has("id_token_signed_with_public_key")) {
    const text = `${base64({ alg: "HS256", kid: current.kid })}.${base64(claims)}`;
    const key = await exportSPKI(current.publicKey);
    return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
  }
  const key = has("id_token_unknown_key") ? stranger : current;
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: key.kid }).sign(key.privateKey);
}

provider.use(async (ctx, next) => {
  await next();
  const body = ctx.body;
  if (ctx.path === "/token" && ctx.method === "POST") {
    requests.push({ grant_type: ctx.oidc?.params?.grant_type ?? "", status: ctx.status });
    if (body?.id_token && has("no_id_token")) delete body.id_token;
    if (body?.id_token) body.id_token = await idToken(body.id_token);
  }
  if (ctx.path === "/jwks") ctx.body = { keys: [current.shown] };
  if (ctx.path === "/me" && body?.sub && has("userinfo_subject")) ctx.body = { ...body, sub: "somebody-else" };
  if (ctx.path === "/.well-known/openid-configuration" && has("discovery_issuer")) {
    ctx.body = { ...body, issuer: ELSEWHERE };
  }
  const location = ctx.response.get("location") ?? "";
  if (has("callback_issuer") && location.includes("iss=")) {
    const to = new URL(location);
    to.searchParams.set("iss", ELSEWHERE);
    ctx.response.set("location", to.href);
  }
});

// What tests do behind the clients' back.
async function control(path, text) {
  if (path === "/testkit/quirks") quirks = new Set(JSON.parse(text));
  if (path === "/testkit/rotate") current = await newKey();
  return requests;
}

const serve = provider.callback();
createServer((request, response) => {
  if (!request.url.startsWith("/testkit/")) return serve(request, response);
  let text = "";
  request.on("data", (chunk) => (text += chunk));
  request.on("end", async () => response.end(JSON.stringify(await control(request.url, text))));
}).listen({ fd: 0 });
