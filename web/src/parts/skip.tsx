// Past what stands around every view, for those who go by the keyboard.

export function Skip() {
  return (
    <a class="skip" href="#main" onClick={skipToMain}>
      To the contents
    </a>
  );
}

// What stands behind `#` is where in the page somebody is.
function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
