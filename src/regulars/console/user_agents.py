"""What a browser says that it is, in words that people know their devices by."""

from regulars.console.languages import translate

# The first that is found counts: most browsers also name those that they want to be taken for.
BROWSERS = {
    "Edg/": "Edge",
    "EdgA/": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "YaBrowser/": "Yandex",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
    "curl/": "curl",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Macintosh": "Mac",
    "Linux": "Linux",
}


def device_words(language: str, user_agent: str) -> str:
    """Like "Firefox on Linux"; what is not known is left out."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    if browser and system:
        return translate(language, "{browser} on {system}", browser=browser, system=system)
    return browser or system or translate(language, "Unknown device")
