<?php

return [
    'api' => [
        'token' => env('API_TOKEN'),
    ],
];
