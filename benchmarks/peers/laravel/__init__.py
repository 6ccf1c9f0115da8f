"""The customer list written as Laravel's documentation recommends, with php-fpm behind nginx."""
