<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Http\Request;

class EnsureTokenIsValid
{
    public function handle(Request $request, Closure $next)
    {
        abort_unless(hash_equals(config('services.api.token'), (string) $request->bearerToken()), 401);

        return $next($request);
    }
}
