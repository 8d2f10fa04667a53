// The page without its client would be blank: say so instead of staying empty.
import("/app.js").catch((error) => {
  console.error(error);
  document.body.dataset.screen = "unavailable";
  document.getElementById("try-again").addEventListener("click", () => location.reload());
});
