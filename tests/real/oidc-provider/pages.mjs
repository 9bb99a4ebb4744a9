// The provider's pages. The ids are what the tests hold on to. They load nothing
// from elsewhere, so that a browser without a network logs in too.

export function loginPage({ uid }) {
  return page('Sign in', `
    <form id="login-form" method="post" action="/interaction/${escape(uid)}">
      <label>Name <input id="username" name="username" autocomplete="off" required autofocus></label>
      <label>Password <input id="password" name="password" type="password"
        autocomplete="current-password" required></label>
      <button id="sign-in" type="submit">Sign in</button>
    </form>
    ${cancelForm(uid)}`);
}

export function consentPage({ uid, params, session }) {
  return page('Allow access', `
    <p><b id="client">${escape(params.client_id)}</b> asks
      <b id="account">${escape(session.accountId)}</b>
      for <b id="scope">${escape(params.scope ?? '')}</b></p>
    <form id="consent-form" method="post" action="/interaction/${escape(uid)}">
      <button id="allow" type="submit">Allow</button>
    </form>
    ${cancelForm(uid)}`);
}

export function errorPage({ error, error_description: description }) {
  return page('Error', `
    <p id="error">${escape(error)}</p>
    <p id="error-description">${escape(description ?? '')}</p>`);
}

function cancelForm(uid) {
  return `<form id="cancel-form" method="post" action="/interaction/${escape(uid)}/cancel">
      <button id="cancel" type="submit">Cancel</button>
    </form>`;
}

function page(title, body) {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>${escape(title)}</title>
    <link rel="icon" href="data:,">
    <style>body { font: 1rem sans-serif; max-width: 24rem; margin: 3rem auto } label { display: block }</style>
  </head>
  <body>
    <h1>${escape(title)}</h1>
    ${body}
  </body>
</html>
`;
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
