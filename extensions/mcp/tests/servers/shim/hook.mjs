export async function resolve(s, c, next) {
  if ((s === 'fs' || s === 'node:fs') && c.parentURL?.includes('/conformance/dist/')) return { url: new URL('./fs.mjs', import.meta.url).href, shortCircuit: true };
  return next(s, c);
}
