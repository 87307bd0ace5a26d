// What is said, in one of two languages: one file each, with the same names.

/** @typedef {(name: string, values?: Record<string, string | number>) => string} Words */

/** @param {string} wanted empty: as the browser's @returns {"vi" | "en"} */
export function languageOf(wanted) {
  if (wanted === "vi" || wanted === "en") return wanted;
  const first = navigator.languages?.find((language) => /^(vi|en)\b/i.test(language)) ?? "vi";
  return first.toLowerCase().startsWith("en") ? "en" : "vi";
}

/** @param {"vi" | "en"} language @returns {Promise<Words>} */
export async function loadWords(language) {
  const answer = await fetch(new URL(`./words.${language}.json`, import.meta.url));
  return speak(await answer.json());
}

/** A name that is not there is said as it is. @param {Record<string, string>} all @returns {Words} */
export function speak(all) {
  return (name, values) => {
    const text = all[name] ?? name.slice(name.indexOf(".") + 1);
    return values ? text.replace(/\{(\w+)\}/g, (_, value) => String(values[value] ?? "")) : text;
  };
}
