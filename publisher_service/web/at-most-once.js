// What is asked for again and again, and done once.

/** Of several calls, one. @param {() => void} call @param {(call: () => void) => unknown} [later] before the next picture, if not said */
export function atMostOnce(call, later = (due) => requestAnimationFrame(due)) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    later(() => {
      isAsked = false;
      call();
    });
  };
}
