<?php

namespace App\Http\Controllers;

use App\Http\Resources\CustomerResource;
use App\Models\Customer;
use Illuminate\Http\Request;
use Illuminate\Http\Resources\Json\AnonymousResourceCollection;
use Illuminate\Routing\Controller;

class CustomerController extends Controller
{
    public function index(Request $request): AnonymousResourceCollection
    {
        $customers = Customer::query()
            ->where('tenant_id', (int) $request->header('X-Tenant'))
            ->with(['country:id,name', 'user:id,name'])
            ->orderByDesc('created_at')
            ->orderByDesc('id')
            ->paginate(15);

        return CustomerResource::collection($customers);
    }
}
