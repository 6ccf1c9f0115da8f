"""The console: the web pages for sign-in, account settings, members, applications and consent."""
