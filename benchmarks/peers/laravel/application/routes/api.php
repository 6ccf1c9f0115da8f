<?php

use App\Http\Controllers\CustomerController;
use Illuminate\Support\Facades\Route;

Route::middleware('token')->get('/customers', [CustomerController::class, 'index']);
