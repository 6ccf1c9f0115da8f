"""The customer list as Laravel's documentation would have it written, with php-fpm behind nginx."""
