// Snapshots over HTTP, and the token that everything is asked with.

const KEY = "banggia.token";

/**
 * The token of this visit. One in the address, behind the #, is never sent with it; it is taken out of it at once, so
 * that no copied address holds it.
 * @returns {string | undefined}
 */
export function takeToken() {
  const said = new URLSearchParams(location.hash.slice(1)).get("token");
  if (said) {
    keepToken(said);
    history.replaceState(null, "", location.pathname + location.search);
    return said;
  }
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined; // forbidden
  }
}

const REFUSALS = new Set(["4401", "unauthenticated", "invalid_token"]);

/** Whether it was for want of a token that a link was closed. @param {{code: string} | null} error @returns {boolean} */
export const wantsToken = (error) => error !== null && REFUSALS.has(error.code);

/** @param {string} token */
export function keepToken(token) {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // forbidden: it holds until the page is closed
  }
}

/**
 * @param {string} path below `/api/`
 * @param {string | undefined} token
 * @returns {Promise<any>} null if there is no such thing, or nobody answers
 */
export async function ask(path, token) {
  try {
    const headers = token === undefined ? undefined : { Authorization: `Bearer ${token}` };
    const answer = await fetch(new URL(`api/${path}`, document.baseURI), { headers });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
