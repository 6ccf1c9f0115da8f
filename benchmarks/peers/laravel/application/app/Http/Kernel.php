<?php

namespace App\Http;

use App\Http\Middleware\EnsureTokenIsValid;
use Illuminate\Foundation\Http\Kernel as HttpKernel;
use Illuminate\Foundation\Http\Middleware\ConvertEmptyStringsToNull;
use Illuminate\Foundation\Http\Middleware\PreventRequestsDuringMaintenance;
use Illuminate\Foundation\Http\Middleware\TrimStrings;
use Illuminate\Foundation\Http\Middleware\ValidatePostSize;
use Illuminate\Routing\Middleware\SubstituteBindings;

class Kernel extends HttpKernel
{
    protected $middleware = [
        PreventRequestsDuringMaintenance::class,
        ValidatePostSize::class,
        TrimStrings::class,
        ConvertEmptyStringsToNull::class,
    ];

    // Without 'throttle:api', which limits a client to one request per second.
    protected $middlewareGroups = [
        'api' => [
            SubstituteBindings::class,
        ],
    ];

    protected $routeMiddleware = [
        'token' => EnsureTokenIsValid::class,
    ];
}
