/** A file's text, put in by the bundler of the tests. */
declare module '*?raw' {
  const text: string;
  export default text;
}
