"""Tests of the console's screens in Debian's Chromium."""
