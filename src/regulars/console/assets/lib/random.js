// Random keys.

/** Return a random key. (`crypto.randomUUID` exists only over https.) */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
}
