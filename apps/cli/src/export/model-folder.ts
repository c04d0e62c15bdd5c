/** The folder of a model as users name it. */
export function modelFolder(name: string): Promise<string> {
  return Promise.resolve(name);
}
