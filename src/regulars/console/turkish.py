"""The sentences of the pages in Turkish, by their English."""

TURKISH = {
    "Sign in": "Giriş yap",
}
