export * from 'node:fs';
import fs from 'node:fs';
export default fs;
export const globSync = () => { throw new Error('globSync needs Node 22'); };
