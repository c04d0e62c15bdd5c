export default { singleQuote: true, printWidth: 110, proseWrap: 'preserve' };
